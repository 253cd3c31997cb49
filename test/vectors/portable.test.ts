import { testOfficialVectors } from './official.ts'

testOfficialVectors('portable')
